//! Fault drills on real processes: workloads, faults, histories, checkers, a report.
