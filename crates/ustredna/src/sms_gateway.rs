//! The gateway that the settings choose.

use std::sync::Arc;

use anyhow::Context as _;
use sms::{Gateway, HttpGateway, Report, SmppGateway, SpoolGateway};
use tokio::sync::mpsc::UnboundedSender;

use crate::settings::{Sms, SmsGateway};

/// Opens it; `reports` gets the receipts of a gateway that has its own way for them.
pub(crate) fn open(
    settings: &Sms,
    reports: UnboundedSender<Report>,
) -> anyhow::Result<Arc<dyn Gateway>> {
    Ok(match settings.gateway {
        SmsGateway::Spool => Arc::new(SpoolGateway::new(&settings.spool.dir, settings.spool.form)),
        SmsGateway::Http => {
            let http = settings.http.clone().context("[sms.http] is missing")?;
            Arc::new(HttpGateway::new(http).context("[sms.http]")?)
        }
        SmsGateway::Smpp => {
            let smpp = settings.smpp.clone().context("[sms.smpp] is missing")?;
            Arc::new(SmppGateway::start(smpp, reports).context("[sms.smpp]")?)
        }
    })
}
