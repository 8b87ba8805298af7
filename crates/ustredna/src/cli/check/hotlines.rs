//! Are the hotlines nobody else's?

use store::Store;

use super::Finding;
use crate::{hotlines, settings::Settings};

const CHECK: &str = "hotlines";

pub(super) async fn check(settings: &Settings, store: &Store) -> Finding {
    match hotlines::problem(settings, store).await {
        Ok(None) => Finding::ok(CHECK, "neither is a fictitious number or a shopper's phone"),
        Ok(Some(problem)) => Finding::fail(
            CHECK,
            problem,
            "set it to a number of its own, and start the exchange again",
        ),
        Err(error) => Finding::failed(CHECK, error.to_string()),
    }
}
