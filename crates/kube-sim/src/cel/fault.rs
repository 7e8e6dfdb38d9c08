//! What is wrong with an expression, in the words and the form of cel-go.

/// Where something stands in a text: the line from 1, and the letters before it in that line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) line: usize,
    pub(super) column: usize,
}

impl Place {
    /// The place of what starts at a byte of the text.
    pub(super) fn of(text: &str, byte: usize) -> Self {
        let mut place = Self { line: 1, column: 0 };
        for passed in text.get(..byte).unwrap_or_default().chars() {
            if passed == '\n' {
                place = Self {
                    line: place.line + 1,
                    column: 0,
                };
            } else {
                place.column += 1;
            }
        }
        place
    }
}

/// One fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) place: Place,
    pub(super) message: String,
}

/// The faults told in the order of their places, each below the line it stands in.
pub(super) fn told(mut faults: Vec<Fault>, text: &str) -> String {
    faults.sort_by_key(|fault| fault.place);
    let told: Vec<String> = faults.iter().map(|fault| fault.told(text)).collect();
    told.join("\n")
}

impl Fault {
    fn told(&self, text: &str) -> String {
        let Place { line, column } = self.place;
        let head = format!("ERROR: <input>:{line}:{}: {}", column + 1, self.message);
        let Some(shown) = text.split('\n').nth(line.saturating_sub(1)) else {
            return head;
        };
        let shown = shown.replace('\t', " ");
        // A mark is as wide as the letter above it.
        let wide = |letter: char| letter.len_utf8() > 1;
        let mut letters = shown.chars();
        let dots: String = letters
            .by_ref()
            .take(column)
            .map(|letter| if wide(letter) { '\u{ff0e}' } else { '.' })
            .collect();
        let mark = if letters.next().is_some_and(wide) {
            '\u{ff3e}'
        } else {
            '^'
        };
        format!("{head}\n | {shown}\n | {dots}{mark}")
    }
}
