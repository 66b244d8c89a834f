"""Runs callbacks: one class per loop. Tornado uses the one of asyncio, since it runs on asyncio."""
