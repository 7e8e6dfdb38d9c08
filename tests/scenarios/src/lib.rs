//! Scenario tests live in the test target of this package.
