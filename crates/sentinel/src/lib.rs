//! The sentinel: the shell round the core that holds the register, watches, elects and repoints.
