//! The agent: starts, supervises and fences one redis-server.
