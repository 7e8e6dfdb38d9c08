//! The programs as people run them: see the test target.
