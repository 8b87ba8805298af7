//! Whether FreeSWITCH's call records come to where the exchange looks for them.

use std::path::Path;

use super::{global, shipped};
use crate::{
    finding::Finding,
    inbound::{Inbound, InboundError},
    place::{self, LookError, Shared},
    settings::Settings,
};

const CHECK: &str = "its records";
const CONF: (&str, &str) = ("configuration", "json_cdr.conf");

/// Proved by a file, for a folder of the same name in another container is another one.
///
/// # Errors
/// When it cannot be asked any more.
pub(super) async fn compare(
    settings: &Settings,
    switch: &mut Inbound,
) -> Result<Finding, InboundError> {
    let conf = switch.ask("xml_locate configuration configuration name json_cdr.conf").await?;
    let param = |name| shipped::param(&conf, CONF, name).filter(|value| !value.contains("$$"));
    // What mod_json_cdr has been told; the variable that it is made of may be another one.
    let set = global(switch, "cdr_dir").await?;
    let Some(theirs) = param("log-dir").filter(|dir| !dir.is_empty()).or(set) else {
        return Ok(Finding::skipped(CHECK, "FreeSWITCH does not tell where its records go"));
    };
    let own: &Path = &settings.cdr.dir;
    let absolute = std::path::absolute(own).unwrap_or_else(|_| own.to_owned());
    let fix = || {
        format!(
            "start FreeSWITCH with CDR_DIR={}, as it sees that folder, or set cdr.dir",
            absolute.display()
        )
    };
    let is_on =
        |name| param(name).is_some_and(|value| matches!(&*value, "true" | "yes" | "on" | "1"));
    if param("url").is_some_and(|url| !url.is_empty()) && !is_on("log-http-and-disk") {
        return Ok(Finding::fail(
            CHECK,
            "FreeSWITCH sends its call records to a URL and writes none",
            "take json_cdr.xml of freeswitch-conf, which has no `url`",
        ));
    }
    if !theirs.starts_with('/') {
        let problem = format!(
            "FreeSWITCH takes CDR_DIR={theirs} for a folder in its log folder, since it does not begin \
             with /"
        );
        return Ok(Finding::fail(CHECK, problem, fix()));
    }
    if !own.exists() {
        return Ok(Finding::skipped(CHECK, "there is no folder cdr.dir yet"));
    }
    Ok(match place::look(switch, own, &theirs).await {
        Ok(Shared::Yes) => Finding::ok(CHECK, format!("FreeSWITCH writes to {theirs} = cdr.dir")),
        Ok(Shared::No) => Finding::fail(
            CHECK,
            format!("FreeSWITCH writes its call records to {theirs}, which is not cdr.dir"),
            fix(),
        ),
        Ok(Shared::Unknown(why)) => Finding::skipped(CHECK, why),
        Err(error @ LookError::Own { .. }) => Finding::skipped(CHECK, error.to_string()),
        Err(LookError::Switch(error)) => return Err(error),
    })
}
