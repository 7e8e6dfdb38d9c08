//! The classifier against a catalogue of messages, where one is present: `CAPT_ERROR_CATALOGUE` names a CSV
//! file with the columns message, category, source.

use capt_terraform::classify::classify;

/// Splits a CSV text into rows of fields; fields may be quoted and hold line ends.
fn rows(text: &str) -> Vec<Vec<String>> {
    let (mut rows, mut row, mut field, mut quoted) = (vec![], vec![], String::new(), false);
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => {
                chars.next();
                field.push('"');
            }
            '"' => quoted = !quoted,
            ',' if !quoted => row.push(std::mem::take(&mut field)),
            '\n' if !quoted => {
                row.push(std::mem::take(&mut field));
                rows.push(std::mem::take(&mut row));
            }
            c => field.push(c),
        }
    }
    rows
}

#[test]
fn the_catalogue_is_classified_as_its_people_did() {
    let path = std::env::var("CAPT_ERROR_CATALOGUE").unwrap_or_else(|_| {
        format!(
            "{}/../../../shared/data/terraform-errors.csv",
            env!("CARGO_MANIFEST_DIR")
        )
    });
    let Ok(text) = std::fs::read_to_string(&path) else {
        println!("not run: there is no catalogue at {path}");
        return;
    };
    let mut wrong = vec![];
    let rows = rows(&text);
    for row in rows.iter().skip(1) {
        let judged = classify(&row[0]);
        let class = judged.class.map_or("unclassified", |class| class.name());
        if class != row[1] {
            wrong.push(format!("{} not {class} ({}): {}", row[1], judged.code, row[0]));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {} wrong:\n{}",
        wrong.len(),
        rows.len() - 1,
        wrong.join("\n")
    );
}
