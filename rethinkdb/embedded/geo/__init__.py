"""Geometry on the sphere, for `intersects`, `includes`, `distance` and similar terms.

A real server uses Google's S2 library for relations between shapes, and Karney's algorithm for
distances. The modules here use the same definitions, so that they give the same answers, even for
points on a boundary.

===============  ==================================================================================
`vectors`        points as unit vectors
`orientation`    on which side of a line a point lies, decided exactly
`edges`          crossings, nearest points, the order of edges around a vertex
`loops`          closed chains of edges and what they contain
`polygons`       shells with holes; open chains
`relations`      whether shapes intersect or include one another; the nearest point of a shape
`geojson`        converts shapes from and to PTYPE<GEOMETRY>, with a real server's error messages
`ellipsoids`     distances and circles on the Earth's ellipsoid
`nearest`        the growing rings in which `get_nearest` searches
===============  ==================================================================================
"""
