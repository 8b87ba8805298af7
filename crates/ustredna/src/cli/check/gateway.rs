//! Can the SMS gateway be reached? Nothing is sent.

use tokio::sync::mpsc;

use super::{Finding, folders};
use crate::{
    settings::{Settings, SmsGateway},
    sms_gateway,
};

const CHECK: &str = "sms gateway";

pub(super) async fn check(settings: &Settings) -> Finding {
    let (sms, spool) = (&settings.sms, &settings.sms.spool.dir);
    // Nobody takes receipts here: the SMSC is told so, and sends them again to the exchange.
    let (reports, receipts) = mpsc::unbounded_channel();
    drop(receipts);
    let gateway = match sms_gateway::open(sms, reports) {
        Ok(gateway) => gateway,
        Err(error) => return Finding::failed(CHECK, format!("{error:#}")),
    };
    match (gateway.check().await, sms.gateway) {
        (Ok(()), SmsGateway::Spool) => {
            Finding::ok(CHECK, format!("messages go to files in {}", spool.display()))
        }
        (Ok(()), SmsGateway::Http) => Finding::ok(CHECK, "the provider answers over HTTP"),
        (Ok(()), SmsGateway::Smpp) => Finding::ok(CHECK, "the SMSC takes the bind"),
        (Err(_), SmsGateway::Spool) if !spool.exists() => {
            folders::will_be_made(CHECK, spool, "sms.spool.dir", "at the first start")
        }
        (Err(error), SmsGateway::Spool) => Finding::failed(CHECK, error.to_string()),
        (Err(error), SmsGateway::Http) => Finding::fail(
            CHECK,
            error.to_string(),
            "check url and ca_file of [sms.http], and whether the provider answers from here",
        ),
        (Err(error), SmsGateway::Smpp) => Finding::fail(
            CHECK,
            error.to_string(),
            "check host, port, tls, system_id and password of [sms.smpp]",
        ),
    }
}
