"""What runs the callbacks on each loop. Tornado's loop is asyncio's."""
