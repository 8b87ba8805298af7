//! Are the hotlines nobody else's? A command refuses to give somebody the number of a hotline, but a
//! setting may be changed afterwards.

use std::slice::from_ref;

use store::{Store, StoreError};

use crate::settings::Settings;

/// Whose number a hotline has, and what comes of it.
///
/// # Errors
/// When the database cannot be read.
pub(crate) async fn problem(
    settings: &Settings,
    store: &Store,
) -> Result<Option<String>, StoreError> {
    let exchange = &settings.exchange;
    for (key, hotline) in [
        ("exchange.outbound_hotline", &exchange.outbound_hotline),
        ("exchange.callback_hotline", &exchange.callback_hotline),
    ] {
        if store.has_exchange_number(from_ref(hotline)).await? {
            return Ok(Some(format!(
                "{key} is a fictitious number, too: a dealer who calls it back is answered by the exchange"
            )));
        }
        if store.is_shopper(hotline).await? {
            return Ok(Some(format!(
                "{key} is a shopper's phone, too: whatever that shopper calls is refused"
            )));
        }
    }
    Ok(None)
}
