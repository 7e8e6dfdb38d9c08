//! What kubectl says, row by row, of the sandbox and of a real kube-apiserver.
//!
//! `table/<group>.yaml` has the rows, `golden/<group>.txt` what kubectl says to them: one golden for both servers.
//! Each group has servers of its own, so its rows depend on nothing but the rows above them. With `CAPT_BLESS` set
//! the goldens become what is said; by the real server where there is one, because that is the truth.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "everything here is a test"
)]

mod columns;
mod controllers;
mod golden;
mod group;
mod mask;
mod process;
mod real;
mod sandbox;
mod shell;
mod table;

/// A test for each group of rows.
macro_rules! groups {
    ($($(#[doc = $about:literal])* $name:ident,)*) => {
        $(
            $(#[doc = $about])*
            #[test]
            fn $name() {
                group::check(stringify!($name));
            }
        )*

        const GROUPS: &[&str] = &[$(stringify!($name)),*];
    };
}

groups! {
    access,
    admission,
    applying,
    builtins,
    changing,
    creating,
    deleting,
    explaining,
    living,
    reading,
    ruling,
    serverside,
    trying,
    waiting,
}

#[test]
fn every_file_of_the_table_is_a_group() {
    let mut groups: Vec<&str> = GROUPS.to_vec();
    groups.sort_unstable();
    assert_eq!(table::names(), groups);
}
