//! Fixtures and the scenario harness shared by tests.
