"""Geometry on the sphere: what `intersects`, `includes`, `distance` and their like need.

A real server uses Google's S2 library for relations between shapes and Karney's algorithm for
distances. The modules here follow the same definitions, down to which side a point on a boundary
falls, so that answers agree.

===============  ==================================================================================
`vectors`        points as unit vectors
`orientation`    on which side of a line a point lies, decided exactly
`edges`          crossings, nearest points, the order of edges around a vertex
`loops`          closed chains of edges and what they contain
`polygons`       shells with holes; open chains
`relations`      do two shapes intersect, does one include the other, which point is nearest
`geojson`        shapes from and to PTYPE<GEOMETRY>, with a real server's words for what is wrong
`ellipsoids`     distances and circles on the Earth's ellipsoid
`nearest`        how far a search for what is nearest reaches
===============  ==================================================================================
"""
