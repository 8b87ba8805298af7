//! What the exchange bears: everything that can go wrong on a connection, at every step of a call,
//! and a thousand calls at once. One after the other, and nothing beside them: open files, panics
//! and processor time are counted for the whole process.

#[path = "strain/crowd.rs"]
mod crowd;
#[path = "strain/recordings.rs"]
mod recordings;
#[path = "strain/trouble.rs"]
mod trouble;

use std::{panic, sync::atomic::Ordering};

use libtest_mimic::Trial;

use crate::{PANICS, last_panic};

pub(crate) fn all() -> Vec<Trial> {
    vec![
        report("a_thousand_calls_at_once", crowd::thousand_calls),
        report("every_trouble_in_an_outbound_call", trouble::outbound_calls),
        report("every_trouble_in_a_missed_callback", trouble::missed_callbacks),
        report("recordings_that_break_in_the_talk", recordings::that_break),
        report("a_folder_that_freeswitch_does_not_share", recordings::elsewhere),
    ]
}

/// A trial that tells what it counted.
fn report(name: &'static str, play: fn() -> String) -> Trial {
    Trial::test(name, move || {
        let before = PANICS.load(Ordering::SeqCst);
        let played = panic::catch_unwind(play);
        let panics = PANICS.load(Ordering::SeqCst) - before;
        match played {
            Ok(told) if panics == 0 => {
                println!("{name}: {told}");
                Ok(())
            }
            // One that nobody waits for would else go unnoticed.
            Ok(_) | Err(_) => Err(format!("{panics} panics, the last:\n{}", last_panic()).into()),
        }
    })
}
