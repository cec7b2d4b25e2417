//! The redis-server beside the agent.
