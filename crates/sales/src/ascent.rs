use crate::span::Span;
use decider::Steps;
use units::Instant;

/// A stop on the way up a tree that changes over time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Stop<K> {
    pub(crate) id: K,
    /// When one gets there.
    pub(crate) span: Span,
    /// The start is on level 1, what stands directly above it on level 2.
    pub(crate) level: usize,
}

/// The start and everything that stands above it over the span, at every instant of it. `line` says what stands directly
/// above. Only the lines on the way are looked at, so the rest of the tree may be as large as it likes; the way ends at
/// `levels_max`, should the tree hold a circle already.
pub(crate) fn ascent<'a, K: Copy + PartialEq + 'a>(
    line: impl Fn(K) -> Option<&'a Steps<K>>,
    start: K,
    span: Span,
    levels_max: usize,
) -> impl Iterator<Item = Stop<K>> {
    let mut open = vec![Stop { id: start, span, level: 1 }];
    std::iter::from_fn(move || {
        let stop = open.pop()?;
        if stop.level < levels_max
            && let Some(steps) = line(stop.id)
        {
            let level = stop.level + 1;
            open.extend(stop.span.pieces(steps).map(|(span, above)| Stop { id: *above, span, level }));
        }
        Some(stop)
    })
}

/// The first instant of the span at which putting `below` under `above` would close a circle.
pub(crate) fn circle<'a, K: Copy + PartialEq + 'a>(
    line: impl Fn(K) -> Option<&'a Steps<K>>,
    below: K,
    above: K,
    span: Span,
    levels_max: usize,
) -> Option<Instant> {
    let stops = ascent(line, above, span, levels_max);
    stops.filter(|stop| stop.id == below).map(|stop| stop.span.from).min()
}
