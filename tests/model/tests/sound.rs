//! What the canonical form leaves out is read by no decision.
