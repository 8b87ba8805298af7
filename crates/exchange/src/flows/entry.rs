//! Entries: questions asked until they are answered, a limited number of times.

use std::time::Duration;

use crate::{
    call::{Ahead, Call, Digits, Entry, Gather, HungUp},
    prompt::Prompt,
};

/// How long a caller may think before the first key.
const THINKING: Duration = Duration::from_secs(6);
/// Between the chunks of a long reading: the least that FreeSWITCH waits.
const BREATH: Duration = Duration::from_secs(1);
/// `*` starts an entry again; a caller who keys nothing else is cut off at some point.
const RESTARTS: u32 = 10;

/// Asks once. `None`: nothing was keyed. `*` asks `again`, without anything said before it.
pub(super) async fn ask(
    call: &mut Call,
    prompt: Prompt,
    ahead: Ahead,
    again: &Prompt,
    max_digits: u8,
) -> Result<Option<Digits>, HungUp> {
    let mut gather = Gather { prompt, max_digits, first_digit: THINKING, ahead };
    for _ in 0..RESTARTS {
        match call.gather(gather).await? {
            Entry::Digits(digits) => return Ok(Some(digits)),
            Entry::Nothing => return Ok(None),
            Entry::StartAgain => {
                let (prompt, ahead) = (again.clone(), Ahead::Counts);
                gather = Gather { prompt, max_digits, first_digit: THINKING, ahead };
            }
        }
    }
    Ok(None)
}

/// Reads a listing and then asks; keys typed over the reading are taken as the answer.
pub(super) async fn read_and_ask(
    call: &mut Call,
    listing: Vec<Prompt>,
    question: &Prompt,
    max_digits: u8,
) -> Result<Option<Digits>, HungUp> {
    let mut rest = listing.into_iter().peekable();
    while let Some(chunk) = rest.next() {
        if rest.peek().is_none() {
            let last = chunk.join(question.clone());
            return ask(call, last, Ahead::Counts, question, max_digits).await;
        }
        let ahead = Ahead::Counts;
        match call.gather(Gather { prompt: chunk, max_digits, first_digit: BREATH, ahead }).await? {
            Entry::Digits(digits) => return Ok(Some(digits)),
            Entry::StartAgain => break,
            Entry::Nothing => {}
        }
    }
    ask(call, question.clone(), Ahead::Counts, question, max_digits).await
}
