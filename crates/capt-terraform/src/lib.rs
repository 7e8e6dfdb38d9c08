//! Terraform and OpenTofu as an engine: process, JSON stream, error classes, state.
