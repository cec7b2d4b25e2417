//! A whole group of real processes on this machine, for up, the tests and the drills.
