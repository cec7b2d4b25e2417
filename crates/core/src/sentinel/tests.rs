//! Tests of the sentinel.
