//! Tells Kubernetes who is primary, and never asks it.
