//! What the demo tells: who, and what; on 80 columns.

use std::{
    cell::RefCell,
    io::{self, Write},
    time::Duration,
};

use console::Style;
use tokio::time::Instant;

/// A line is no longer than this.
const WIDTH: usize = 80;
/// Where the text begins, behind the time and the name.
const MARGIN: usize = 17;

/// Whom something is told of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Who {
    Shopper,
    Garage,
    Bank,
    Exchange,
}

impl Who {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Shopper => "Jana",
            Self::Garage => "garage",
            Self::Bank => "bank",
            Self::Exchange => "exchange",
        }
    }

    fn style(self) -> Style {
        match self {
            Self::Shopper => Style::new().cyan().bold(),
            Self::Garage | Self::Bank => Style::new().yellow(),
            Self::Exchange => Style::new().green(),
        }
    }
}

/// A terminal, a pipe or a file.
pub(super) struct Screen<'a> {
    out: RefCell<&'a mut dyn Write>,
    colours: bool,
    began: Instant,
    /// Lines kept below everything else, on a terminal in raw mode.
    footer: Option<Vec<String>>,
}

impl<'a> Screen<'a> {
    /// One that is written downwards.
    pub(super) fn new(out: &'a mut dyn Write, colours: bool) -> Self {
        Self { out: RefCell::new(out), colours, began: Instant::now(), footer: None }
    }

    /// A terminal in raw mode, with lines that stay at the bottom.
    pub(super) fn with_footer(
        out: &'a mut dyn Write,
        colours: bool,
        footer: &[&str],
    ) -> io::Result<Self> {
        let footer: Vec<_> = footer.iter().map(|line| (*line).to_owned()).collect();
        let screen = Self { footer: Some(footer), ..Self::new(out, colours) };
        screen.draw_footer()?;
        Ok(screen)
    }

    /// Somebody does or sees something.
    pub(super) fn tell(&self, who: Who, what: &str) -> io::Result<()> {
        let at = self.began.elapsed();
        let mut lines = wrapped(what).into_iter();
        let first = lines.next().unwrap_or_default();
        let name = self.paint(&who.style(), &format!("{:<8}", who.name()));
        let mut text = vec![format!("{:>5}  {name}  {first}", clock(at))];
        text.extend(lines.map(indented));
        self.lines(&text)
    }

    /// Explains what was told last.
    pub(super) fn explain(&self, what: &str) -> io::Result<()> {
        let text: Vec<_> = wrapped(what)
            .into_iter()
            .map(|line| indented(self.paint(&Style::new().dim(), &line)))
            .collect();
        self.lines(&text)
    }

    /// A path, which is not broken.
    pub(super) fn path(&self, path: &str) -> io::Result<()> {
        self.lines(&[format!("       {path}")])
    }

    pub(super) fn heading(&self, what: &str) -> io::Result<()> {
        self.lines(&[String::new(), self.paint(&Style::new().bold(), what)])
    }

    /// Text that has its lines already.
    pub(super) fn block(&self, text: &str) -> io::Result<()> {
        self.lines(&text.lines().map(str::to_owned).collect::<Vec<_>>())
    }

    fn paint(&self, style: &Style, text: &str) -> String {
        style.clone().force_styling(self.colours).apply_to(text).to_string()
    }

    fn lines(&self, lines: &[String]) -> io::Result<()> {
        if let Some(footer) = &self.footer {
            // To the footer's first line; everything below is written anew.
            write!(self.out.borrow_mut(), "\r\x1b[{}A\x1b[J", footer.len())?;
        }
        // In raw mode a line feed does not return the carriage.
        let end = if self.footer.is_some() { "\r\n" } else { "\n" };
        for line in lines {
            write!(self.out.borrow_mut(), "{line}{end}")?;
        }
        self.draw_footer()?;
        // Nobody waits for the next line to see this one.
        self.out.borrow_mut().flush()
    }

    fn draw_footer(&self) -> io::Result<()> {
        let mut out = self.out.borrow_mut();
        for line in self.footer.iter().flatten() {
            write!(out, "{}\r\n", self.paint(&Style::new().reverse(), &format!("{line:<79}")))?;
        }
        out.flush()
    }
}

/// `1:05`
fn clock(time: Duration) -> String {
    format!("{}:{:02}", time.as_secs() / 60, time.as_secs() % 60)
}

fn indented(line: impl AsRef<str>) -> String {
    format!("{:MARGIN$}{}", "", line.as_ref())
}

/// Broken between words.
fn wrapped(text: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= WIDTH - MARGIN => {
                line.push(' ');
                line.push_str(word);
            }
            Some(_) | None => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(tell: impl Fn(&Screen<'_>)) -> String {
        let mut out = Vec::new();
        tell(&Screen::new(&mut out, false));
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn long_sentences_are_broken_below_their_beginning() {
        let text = shown(|screen| {
            let sentence = "hears „Zadejte ID fiktivního čísla a stiskněte křížek. Pro seznam čísel \
                 stiskněte nulu a křížek.“";
            screen.tell(Who::Shopper, sentence).unwrap();
        });
        assert_eq!(
            text,
            " 0:00  Jana      hears „Zadejte ID fiktivního čísla a stiskněte křížek. Pro\n\
             \x20                seznam čísel stiskněte nulu a křížek.“\n"
        );
        assert!(text.lines().all(|line| line.chars().count() <= WIDTH));
    }

    #[test]
    fn the_footer_stays_below() {
        let mut out = Vec::new();
        Screen::with_footer(&mut out, false, &["help"]).unwrap().block("news").unwrap();
        let text = String::from_utf8(out).unwrap();
        assert_eq!(
            text,
            format!("{0}\r\n\r\x1b[1A\x1b[Jnews\r\n{0}\r\n", format!("{:<79}", "help"))
        );
    }

    #[test]
    fn colours_only_where_they_are_wanted() {
        assert!(!shown(|screen| screen.tell(Who::Bank, "rings").unwrap()).contains('\x1b'));
        let mut out = Vec::new();
        Screen::new(&mut out, true).tell(Who::Bank, "rings").unwrap();
        assert!(out.contains(&0x1b));
    }
}
