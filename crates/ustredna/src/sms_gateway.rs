//! The gateway that the settings choose.

use std::sync::Arc;

use anyhow::Context as _;
use sms::{Gateway, HttpGateway, Receipt, SmppGateway, SpoolGateway};
use tokio::sync::mpsc::UnboundedSender;

use crate::settings::{Sms, SmsGateway};

/// What is wrong with its settings, as far as that shows without a connection.
pub(crate) fn fault(settings: &Sms) -> Option<anyhow::Error> {
    match settings.gateway {
        SmsGateway::Spool => None,
        SmsGateway::Http => http(settings).err(),
        SmsGateway::Smpp => settings.smpp.as_ref()?.check().context("[sms.smpp]").err(),
    }
}

fn http(settings: &Sms) -> anyhow::Result<HttpGateway> {
    let http = settings.http.clone().context("[sms.http] is missing")?;
    HttpGateway::new(http).context("[sms.http]")
}

/// Opens it; `reports` gets the receipts of a gateway that has its own way for them.
pub(crate) fn open(
    settings: &Sms,
    reports: UnboundedSender<Receipt>,
) -> anyhow::Result<Arc<dyn Gateway>> {
    Ok(match settings.gateway {
        SmsGateway::Spool => Arc::new(SpoolGateway::new(&settings.spool.dir, settings.spool.form)),
        SmsGateway::Http => Arc::new(http(settings)?),
        SmsGateway::Smpp => {
            let smpp = settings.smpp.clone().context("[sms.smpp] is missing")?;
            Arc::new(SmppGateway::start(smpp, reports).context("[sms.smpp]")?)
        }
    })
}
