//! A table of what kubectl says, held against two API servers: see the test target.
