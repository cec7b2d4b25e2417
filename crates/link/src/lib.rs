//! Authenticated control connections between agents and sentinels.
