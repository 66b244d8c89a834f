"""The code that several adapters share: moving bytes, opening links, pools, checks of loops."""
