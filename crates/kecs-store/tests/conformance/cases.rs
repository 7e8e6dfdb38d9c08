//! The cases, grouped by what they are about.

/// Gives the names of all cases to a macro.
macro_rules! every_case {
    ($with:ident) => {
        $with!(
            a_commit_is_there_or_not,
            a_conflict_names_what_does_not_hold,
            a_malformed_commit_changes_nothing,
            generations_go_on_over_deletes,
            counts_are_expected,
            terms_follow_the_record,
            pages_go_both_ways,
            paging_reads_no_more_at_the_end,
            what_was_acknowledged_is_seen,
            a_view_stays_as_it_was,
            events_are_as_committed,
            numbers_have_no_gap_under_many_writers,
            a_subscriber_sees_the_newest,
            pruning_keeps_what_it_is_told,
            an_export_is_imported_as_it_was,
            an_import_is_whole_or_not,
            a_record_of_every_kind_comes_back_the_same,
            what_it_holds_is_counted,
            it_is_there_after_reopening,
            a_copy_holds_the_same,
            who_is_alone_leads,
        );
    };
}

mod commits;
mod events;
mod lists;
mod whole;

pub(crate) use commits::*;
pub(crate) use events::*;
pub(crate) use lists::*;
pub(crate) use whole::*;
