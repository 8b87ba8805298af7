//! What the demo tells: who, and what; on 80 columns.

use std::{
    cell::{Cell, RefCell},
    io::{self, Write},
    time::Duration,
};

use console::Style;
use tokio::time::Instant;

/// A line is no longer than this, nor than the terminal is wide.
pub(super) const WIDTH: usize = 80;
/// Where the text begins, behind the time and the name.
const MARGIN: usize = 17;
/// How many columns are left for the text on the narrowest terminal.
const NARROWEST: usize = 20;

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
    /// How wide the terminal is by now.
    columns: fn() -> usize,
    began: Instant,
    /// Lines kept below everything else, on a terminal in raw mode.
    footer: Option<Footer>,
}

struct Footer {
    lines: Vec<String>,
    /// How many rows of the terminal they take.
    rows: Cell<usize>,
}

impl<'a> Screen<'a> {
    /// One that is written downwards.
    pub(super) fn new(out: &'a mut dyn Write, colours: bool, columns: fn() -> usize) -> Self {
        Self { out: RefCell::new(out), colours, columns, began: Instant::now(), footer: None }
    }

    /// A terminal in raw mode, with lines that stay at the bottom.
    pub(super) fn with_footer(
        out: &'a mut dyn Write,
        colours: bool,
        columns: fn() -> usize,
        footer: &[&str],
    ) -> io::Result<Self> {
        let lines = footer.iter().map(|line| (*line).to_owned()).collect();
        let footer = Some(Footer { lines, rows: Cell::new(0) });
        let screen = Self { footer, ..Self::new(out, colours, columns) };
        screen.draw_footer()?;
        Ok(screen)
    }

    /// Somebody does or sees something.
    pub(super) fn tell(&self, who: Who, what: &str) -> io::Result<()> {
        let at = self.began.elapsed();
        let mut lines = wrapped(what, self.room()).into_iter();
        let first = lines.next().unwrap_or_default();
        let name = self.paint(&who.style(), &format!("{:<8}", who.name()));
        let mut text = vec![format!("{:>5}  {name}  {first}", clock(at))];
        text.extend(lines.map(indented));
        self.lines(&text)
    }

    /// Explains what was told last.
    pub(super) fn explain(&self, what: &str) -> io::Result<()> {
        let text: Vec<_> = wrapped(what, self.room())
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

    /// For the text behind the margin.
    fn room(&self) -> usize {
        (self.columns)().min(WIDTH).saturating_sub(MARGIN).max(NARROWEST)
    }

    fn paint(&self, style: &Style, text: &str) -> String {
        style.clone().force_styling(self.colours).apply_to(text).to_string()
    }

    fn lines(&self, lines: &[String]) -> io::Result<()> {
        if let Some(footer) = &self.footer {
            // To the footer's first row; everything below is written anew.
            write!(self.out.borrow_mut(), "\r\x1b[{}A\x1b[J", footer.rows.get())?;
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
        let Some(footer) = &self.footer else { return Ok(()) };
        let mut out = self.out.borrow_mut();
        // A row that fills the last column is followed by an empty one on some terminals.
        let room = (self.columns)().clamp(NARROWEST, WIDTH) - 1;
        let rows: Vec<_> = footer.lines.iter().flat_map(|line| wrapped(line, room)).collect();
        for row in &rows {
            write!(out, "{}\r\n", self.paint(&Style::new().reverse(), &format!("{row:<room$}")))?;
        }
        footer.rows.set(rows.len());
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

/// Broken between words, into lines of at most so many characters if the words are no longer.
fn wrapped(text: &str, room: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= room => {
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
        tell(&Screen::new(&mut out, false, || WIDTH));
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn long_sentences_are_broken_below_their_beginning() {
        let text = shown(|screen| {
            let sentence = "hears „Zadejte ID fiktivního čísla a stiskněte křížek. Seznam čísel \
                 uslyšíte po stisknutí nuly a křížku.“";
            screen.tell(Who::Shopper, sentence).unwrap();
        });
        assert_eq!(
            text,
            " 0:00  Jana      hears „Zadejte ID fiktivního čísla a stiskněte křížek. Seznam\n\
             \x20                čísel uslyšíte po stisknutí nuly a křížku.“\n"
        );
        assert!(text.lines().all(|line| line.chars().count() <= WIDTH));
    }

    #[test]
    fn the_footer_stays_below() {
        let mut out = Vec::new();
        Screen::with_footer(&mut out, false, || 200, &["help"]).unwrap().block("news").unwrap();
        let text = String::from_utf8(out).unwrap();
        assert_eq!(
            text,
            format!("{0}\r\n\r\x1b[1A\x1b[Jnews\r\n{0}\r\n", format!("{:<79}", "help"))
        );
    }

    /// What a terminal so wide shows of what was written to it.
    fn displayed(written: &[u8], columns: usize) -> Vec<String> {
        let written = std::str::from_utf8(written).unwrap();
        let (mut rows, mut row, mut column) = (vec![Vec::new()], 0, 0);
        let mut chars = written.chars();
        while let Some(char) = chars.next() {
            match char {
                '\r' => column = 0,
                '\n' => row += 1,
                '\x1b' => {
                    let code: String = chars.by_ref().take_while(|c| !c.is_alphabetic()).collect();
                    match code.strip_prefix('[').unwrap() {
                        // From here on everything goes.
                        "" => rows.truncate(row),
                        up => row -= up.parse::<usize>().unwrap(),
                    }
                }
                _ => {
                    if column == columns {
                        (row, column) = (row + 1, 0);
                    }
                    rows.resize(rows.len().max(row + 1), Vec::new());
                    let cells: &mut Vec<char> = &mut rows[row];
                    cells.resize(cells.len().max(column + 1), ' ');
                    cells[column] = char;
                    column += 1;
                }
            }
        }
        let text = |row: &Vec<char>| row.iter().collect::<String>().trim_end().to_owned();
        rows.iter().map(text).collect()
    }

    #[test]
    fn nothing_of_an_old_footer_is_left_on_any_terminal() {
        let help = crate::demo::keyboard::HELP;
        let widths: [fn() -> usize; 4] = [|| 80, || 132, || 79, || 40];
        for columns in widths {
            let mut out = Vec::new();
            let screen = Screen::with_footer(&mut out, false, columns, &help).unwrap();
            for news in ["dials 234 234 399", "is answered"] {
                screen.tell(Who::Shopper, news).unwrap();
            }
            drop(screen);
            let shown = displayed(&out, columns());
            assert_eq!(shown[0], " 0:00  Jana      dials 234 234 399");
            assert_eq!(shown[1], " 0:00  Jana      is answered");
            let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
            assert_eq!(words(&shown[2..].join(" ")), words(&help.join(" ")), "{shown:#?}");
            assert_eq!(shown.len() == 4, columns() >= WIDTH, "{shown:#?}");
        }
    }

    #[test]
    fn sentences_are_broken_earlier_on_a_narrow_terminal() {
        let mut out = Vec::new();
        let screen = Screen::new(&mut out, false, || 40);
        screen.tell(Who::Garage, "the phone rings and shows 777 000 112").unwrap();
        drop(screen);
        let text = String::from_utf8(out).unwrap();
        assert!(text.lines().all(|line| line.chars().count() <= 40), "{text}");
        assert_eq!(text.lines().count(), 2, "{text}");
    }

    #[test]
    fn colours_only_where_they_are_wanted() {
        assert!(!shown(|screen| screen.tell(Who::Bank, "rings").unwrap()).contains('\x1b'));
        let mut out = Vec::new();
        Screen::new(&mut out, true, || WIDTH).tell(Who::Bank, "rings").unwrap();
        assert!(out.contains(&0x1b));
    }
}
