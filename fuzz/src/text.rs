//! Files, filters and places in lists.

use rapport_domain::{
    import::{Dialect, HEAD_BYTES, Position, Reader, Row, Sample, Unreadable},
    query::{CONDITIONS_MAX, Cursor, DEPTH_MAX, FILTER_BYTES_MAX, Filter, Sort, SortBy},
};

/// From how many places between two rows a file is read again.
const RESUMED: usize = 8;

type Line = Result<Row, Unreadable>;

/// A file is refused as a whole, or read to its end; lines only go up, each row has a value for each column, and going on
/// behind any row gives exactly the rows that follow it.
pub fn csv(file: &[u8]) {
    let head = &file[..file.len().min(HEAD_BYTES)];
    let Ok(dialect) = Dialect::detect(head) else {
        return;
    };
    // Refused or not: it is looked at before it is read.
    let _ = Sample::read(head, head.len() == file.len(), dialect, 50);
    let Ok(mut reader) = Reader::new(file, dialect) else {
        return;
    };
    let headers = reader.headers().to_vec();
    let (lines, places) = rest(&mut reader, headers.len());
    let step = places.len().div_ceil(RESUMED).max(1);
    for (index, place) in places.iter().enumerate().step_by(step) {
        let behind = &file[usize::try_from(place.byte).unwrap()..];
        let mut again = Reader::resume(behind, dialect, headers.clone(), *place);
        assert_eq!(
            rest(&mut again, headers.len()).0,
            lines[index + 1..],
            "from {place:?}"
        );
    }
}

/// What a reader still gives, and where it stands behind each line of it.
fn rest(reader: &mut Reader<&[u8]>, columns: usize) -> (Vec<Line>, Vec<Position>) {
    let (mut lines, mut places) = (Vec::new(), Vec::new());
    let (mut last, mut at) = (0, reader.position());
    while let Some(line) = reader.read().unwrap() {
        let number = line.as_ref().map_or_else(|bad| bad.line, |row| row.line);
        assert!(number > last, "line {number} comes behind line {last}");
        if let Ok(row) = &line {
            assert_eq!(row.fields.len(), columns, "line {number}");
        }
        let now = reader.position();
        // The last line of a file may have no end.
        assert!(now.byte > at.byte && now.line >= at.line, "{at:?}, then {now:?}");
        (last, at) = (number, now);
        lines.push(line);
        places.push(now);
    }
    (lines, places)
}

/// A filter is refused, or is within its bounds and says the same when it is written and read again.
pub fn filter(text: &str) {
    let Ok(filter) = text.parse::<Filter>() else {
        return;
    };
    assert!(text.len() <= FILTER_BYTES_MAX);
    let (depth, conditions) = measure(&filter);
    assert!(
        depth <= DEPTH_MAX && conditions <= CONDITIONS_MAX,
        "{depth}, {conditions}"
    );
    let written = filter.to_string();
    // What is written with quotes may be longer than what was read, and then is refused as too long, and only then.
    match written.parse::<Filter>() {
        Ok(again) => assert_eq!(again, filter, "{written}"),
        Err(error) => assert!(written.len() > FILTER_BYTES_MAX, "{written}: {error}"),
    }
}

fn measure(filter: &Filter) -> (usize, usize) {
    let of = |parts: &[Filter]| {
        let all = parts.iter().map(measure);
        all.fold((0, 0), |(depth, sum), (inner, more)| {
            (depth.max(inner), sum + more)
        })
    };
    let (depth, conditions) = match filter {
        Filter::And(parts) | Filter::Or(parts) => of(parts),
        Filter::Not(part) => of(std::slice::from_ref(part)),
        Filter::Where(_) => return (0, 1),
    };
    (depth + 1, conditions)
}

/// A place is refused, or says the same when it is written and read again.
pub fn cursor(text: &str) {
    for by in [SortBy::Name, SortBy::Created, SortBy::Updated] {
        for turn in 0..4 {
            let (descending, backwards) = (turn % 2 == 0, turn / 2 == 0);
            let sort = Sort { by, descending };
            if let Ok(place) = Cursor::parse(text, sort, backwards) {
                let written = place.token(sort);
                assert_eq!(Cursor::parse(&written, sort, backwards), Ok(place), "{written}");
            }
        }
    }
}
