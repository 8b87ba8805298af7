//! Whether words on standard output are coloured.

use std::{
    env,
    io::{self, IsTerminal as _},
};

/// By <https://no-color.org> and <https://bixense.com/clicolors>: on a terminal that knows colours,
/// unless `NO_COLOR` or `CLICOLOR=0` forbids them; elsewhere when `CLICOLOR_FORCE` asks for them.
pub(crate) fn wanted() -> bool {
    let set = |name| env::var_os(name).filter(|value| !value.is_empty());
    if set("NO_COLOR").is_some() {
        return false;
    }
    if set("CLICOLOR_FORCE").is_some_and(|value| value != "0") {
        return true;
    }
    let plain = set("CLICOLOR").is_some_and(|value| value == "0")
        || set("TERM").is_none_or(|terminal| terminal == "dumb");
    io::stdout().is_terminal() && !plain
}
