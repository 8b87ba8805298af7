//! How a table is laid out.

use console::measure_text_width as width;

use super::Column;

/// A text is broken into no more lines than this beside its row; a longer one goes below.
const HEIGHT: usize = 3;
/// A narrower column goes below its row only when nothing else helps.
const WIDE: usize = 30;
/// Before what stands below its row.
const INDENT: usize = 4;

/// How much of times is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Times {
    /// `2026-11-22 10:31:45`
    Seconds,
    /// `2026-11-22 10:31`
    Minutes,
    /// `11-22 10:31`, where the year is the same in every row.
    Days,
}

/// From the roomiest to the closest, with the spaces between columns.
const FORMS: [(Times, usize); 3] = [(Times::Seconds, 2), (Times::Minutes, 2), (Times::Minutes, 1)];
const CLOSEST: (Times, usize) = (Times::Days, 1);

/// Where a column is, and how wide.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Beside(usize),
    Below,
}

#[derive(Debug)]
pub(super) struct Layout<const N: usize> {
    times: Times,
    gap: usize,
    places: [Place; N],
    /// For what stands below; `None`: no limit.
    room: Option<usize>,
}

impl<const N: usize> Layout<N> {
    /// The first that fits; the closest, with everything below that may be, if none does.
    pub(super) fn choose(columns: &[Column; N], rows: &[[String; N]], room: Option<usize>) -> Self {
        let (times, gap) = FORMS[0];
        let Some(room) = room else {
            let sizes = Sizes::new(columns, rows, times, 0);
            return Self { times, gap, places: sizes.most.map(Place::Beside), room: None };
        };
        let sizes = Sizes::new(columns, rows, times, 0);
        let (all, wide) = (sizes.movable(columns, 0), sizes.movable(columns, WIDE));
        let fits = Self::first(columns, rows, room, &wide, &FORMS)
            .or_else(|_| Self::first(columns, rows, room, &wide, &[CLOSEST]))
            .or_else(|_| Self::first(columns, rows, room, &all, &FORMS))
            .or_else(|_| Self::first(columns, rows, room, &all, &[CLOSEST]));
        match fits {
            Ok(layout) | Err(layout) => layout,
        }
    }

    /// The first that fits with ever more columns below; the last if none does.
    fn first(
        columns: &[Column; N],
        rows: &[[String; N]],
        room: usize,
        movable: &[usize],
        forms: &[(Times, usize)],
    ) -> Result<Self, Self> {
        let mut last =
            Self { times: CLOSEST.0, gap: CLOSEST.1, places: [Place::Below; N], room: Some(room) };
        for count in 0..=movable.len() {
            let moved = movable.get(..count).unwrap_or_default();
            for &(times, gap) in forms {
                let sizes = Sizes::new(columns, rows, times, HEIGHT);
                let (widths, fits) = sizes.within(room, gap, moved);
                let mut places = widths.map(Place::Beside);
                for index in moved {
                    if let Some(place) = places.get_mut(*index) {
                        *place = Place::Below;
                    }
                }
                last = Self { times, gap, places, room: Some(room) };
                if fits {
                    return Ok(last);
                }
            }
        }
        Err(last)
    }

    pub(super) fn lines(&self, columns: &[Column; N], rows: &[[String; N]]) -> Vec<String> {
        let years = years(columns, rows);
        let below: Vec<_> =
            (0..N).filter(|index| self.places.get(*index) == Some(&Place::Below)).collect();
        let mut lines = self.beside(&columns.map(|column| column.heading().to_owned()));
        if let &[index] = below.as_slice()
            && let Some(column) = columns.get(index)
        {
            lines.push(format!("{:INDENT$}{}", "", column.heading()));
        }
        for row in rows {
            let mut cells = row.clone();
            for (index, cell) in cells.iter_mut().enumerate() {
                if let (Some(Column::Time(_)), Some(same)) = (columns.get(index), years.get(index))
                {
                    *cell = shortened(cell, self.times, *same);
                }
            }
            lines.extend(self.beside(&cells));
            for index in &below {
                let (Some(column), Some(cell)) = (columns.get(*index), cells.get(*index)) else {
                    continue;
                };
                if cell.is_empty() {
                    continue;
                }
                let text = match below.len() {
                    1 => cell.clone(),
                    _ => format!("{}: {cell}", column.heading().to_lowercase()),
                };
                let room = match column {
                    Column::Whole(_) => usize::MAX,
                    Column::Time(_) | Column::Text(_) => {
                        self.room.map_or(usize::MAX, |room| room.saturating_sub(INDENT))
                    }
                };
                lines.extend(
                    broken(&text, room).into_iter().map(|line| format!("{:INDENT$}{line}", "")),
                );
            }
        }
        lines
    }

    /// A row's columns beside each other, on as many lines as the highest takes.
    fn beside(&self, cells: &[String; N]) -> Vec<String> {
        let cells: Vec<(usize, Vec<String>)> = cells
            .iter()
            .zip(self.places)
            .filter_map(|(cell, place)| match place {
                Place::Beside(width) => Some((width, broken(cell, width))),
                Place::Below => None,
            })
            .collect();
        let height = cells.iter().map(|(_, lines)| lines.len()).max().unwrap_or_default();
        (0..height)
            .map(|line| {
                let mut text = String::new();
                for (wide, lines) in &cells {
                    let part = lines.get(line).map(String::as_str).unwrap_or_default();
                    let fill = wide.saturating_sub(width(part)) + self.gap;
                    text.push_str(part);
                    text.extend(std::iter::repeat_n(' ', fill));
                }
                text.truncate(text.trim_end().len());
                text
            })
            .collect()
    }
}

/// What each column takes.
struct Sizes<const N: usize> {
    /// On a line of its own.
    most: [usize; N],
    /// Broken into so many lines as may be.
    least: [usize; N],
}

impl<const N: usize> Sizes<N> {
    fn new(columns: &[Column; N], rows: &[[String; N]], times: Times, height: usize) -> Self {
        let years = years(columns, rows);
        let mut most = columns.map(|column| width(column.heading()));
        for row in rows {
            for (((cell, most), column), same) in row.iter().zip(&mut most).zip(columns).zip(years)
            {
                let wide = match column {
                    Column::Time(_) => width(&shortened(cell, times, same)),
                    Column::Whole(_) | Column::Text(_) => width(cell),
                };
                *most = wide.max(*most);
            }
        }
        let mut least = most;
        if height > 0 {
            for (index, column) in columns.iter().enumerate() {
                if let (Column::Text(heading), Some(least)) = (column, least.get_mut(index)) {
                    let cells = || rows.iter().filter_map(|row| row.get(index));
                    *least = narrowest(heading, cells, *least, height);
                }
            }
        }
        Self { most, least }
    }

    /// The columns wider than that which may go below, the widest first.
    fn movable(&self, columns: &[Column; N], wider: usize) -> Vec<usize> {
        let size = |index: &usize| self.most.get(*index).copied().unwrap_or_default();
        let mut movable: Vec<_> = (0..N)
            .filter(|index| match columns.get(*index) {
                Some(Column::Text(_)) => size(index) > wider,
                Some(Column::Whole(_)) => size(index) > wider.max(WIDE),
                Some(Column::Time(_)) | None => false,
            })
            .collect();
        movable.sort_by_key(|index| std::cmp::Reverse(size(index)));
        movable
    }

    /// Widths in so much room without some of the columns, and whether they fit.
    fn within(&self, room: usize, gap: usize, without: &[usize]) -> ([usize; N], bool) {
        let mut widths = self.least;
        let stays = |index: &usize| !without.contains(index);
        let taken: usize = (0..N)
            .filter(stays)
            .filter_map(|index| widths.get(index))
            .map(|width| width + gap)
            .sum();
        let taken = taken.saturating_sub(gap);
        let mut spare = room.saturating_sub(taken);
        for index in (0..N).filter(stays) {
            if let (Some(width), Some(most)) = (widths.get_mut(index), self.most.get(index)) {
                let more = most.saturating_sub(*width).min(spare);
                *width += more;
                spare -= more;
            }
        }
        (widths, taken <= room)
    }
}

/// The narrowest column in which no word is broken and no cell takes more than so many lines.
fn narrowest<'a, C: Iterator<Item = &'a String>>(
    heading: &str,
    cells: impl Fn() -> C,
    most: usize,
    height: usize,
) -> usize {
    let word = |cell: &String| cell.split(' ').map(width).max().unwrap_or_default();
    let mut low = cells().map(word).max().unwrap_or_default().max(width(heading));
    let mut high = most.max(low);
    while low < high {
        let middle = usize::midpoint(low, high);
        if cells().all(|cell| broken(cell, middle).len() <= height) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    low
}

/// Broken between words into lines of at most so many columns; a longer word has its own.
fn broken(text: &str, room: usize) -> Vec<String> {
    if width(text) <= room {
        return vec![text.to_owned()];
    }
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        match lines.last_mut() {
            Some(line) if width(line) + 1 + width(word) <= room => {
                line.push(' ');
                line.push_str(word);
            }
            Some(_) | None => lines.push(word.to_owned()),
        }
    }
    lines
}

/// Which columns' times are all of one year.
fn years<const N: usize>(columns: &[Column; N], rows: &[[String; N]]) -> [bool; N] {
    std::array::from_fn(|index| {
        let year = |row: &[String; N]| {
            let cell = row.get(index)?;
            cell.get(time(cell)?..)?.get(..4).map(str::to_owned)
        };
        let mut seen = rows.iter().filter_map(year);
        let first = seen.next();
        matches!(columns.get(index), Some(Column::Time(_)))
            && seen.all(|year| first.as_ref() == Some(&year))
    })
}

/// A cell with its time written shorter.
fn shortened(cell: &str, times: Times, same_year: bool) -> String {
    let Some((before, rest)) = time(cell).and_then(|at| cell.split_at_checked(at)) else {
        return cell.to_owned();
    };
    let Some((time, after)) = rest.split_at_checked(FORM.len()) else { return cell.to_owned() };
    let (from, to) = match times {
        Times::Seconds => (0, 19),
        Times::Days if same_year => (5, 16),
        Times::Minutes | Times::Days => (0, 16),
    };
    format!("{before}{}{after}", time.get(from..to).unwrap_or(time))
}

/// A digit for each `0`.
const FORM: &str = "0000-00-00 00:00:00";

/// Where in a cell its time begins.
fn time(cell: &str) -> Option<usize> {
    cell.as_bytes().windows(FORM.len()).position(|window| {
        window.iter().zip(FORM.bytes()).all(|(byte, form)| match form {
            b'0' => byte.is_ascii_digit(),
            _ => *byte == form,
        })
    })
}
