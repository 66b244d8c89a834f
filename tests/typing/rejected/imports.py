"""What the driver does not have."""

from __future__ import annotations

import rethinkdb
from rethinkdb import RethinkDB, r, tabel  # error: attr-defined
from rethinkdb.loops.asyncio import r as asyncio_r
from rethinkdb.loops.trio import r as trio_r

print(tabel)
rethinkdb.tabel("t")  # error: attr-defined
rethinkdb.table(1)  # error: call-overload
RethinkDB("asyncio")  # error: call-arg
RethinkDB().set_loop_type(asyncio=True)  # error: call-arg
r.set_loop_type(1)  # error: arg-type
rethinkdb.set_loop_type(1)  # error: arg-type
r.connect(port=28015.5)  # error: call-overload
r.connect(loop_type=1)  # error: call-overload
r.connect(port=28015.5, loop_type="asyncio")  # error: call-overload
r.connect(user=1, loop_type=None)  # error: call-overload
r.connect("localhost", loop_type="asyncio", timeot=3)  # error: call-overload call-overload
r.connect("localhost", timeot=3)  # error: call-overload call-overload
asyncio_r.connect("localhost", timeot=3)  # error: call-arg
trio_r.connect("localhost", io_loop=None)  # error: call-arg
print(r.ReqlDriverErorr)  # error: attr-defined
