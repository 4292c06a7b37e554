//! `/events`: tells a reader about every change of the run, with the iterations that it does not have yet.
//!
//! Each event `run` holds the state of the run; `end` is the last one, with the word of that state.
//! A reader takes at its own pace: whoever is slow gets more iterations at once, and holds nothing up.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::response::sse::{Event, KeepAlive, Sse};
use futures_core::Stream;
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio::time::sleep;

use super::Shared;
use crate::render::json::compact_ascii;
use crate::wire::live::LiveDocument;

/// Iterations in one event.
const BATCH: usize = 500;
/// Between two events to a reader, so that a simulated run of thousands a second does not flood it.
const BREATH: Duration = Duration::from_millis(200);
/// A comment is sent when nothing else was for so long; well below the time after which proxies and the
/// server's own limit end a connection.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// The events of one reader.
pub(super) struct Events {
    events: mpsc::Receiver<Event>,
    _place: OwnedSemaphorePermit,
}

impl Stream for Events {
    type Item = Result<Event, Infallible>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.events.poll_recv(context).map(|event| event.map(Ok))
    }
}

/// Events from the iteration after `since` on.
pub(super) fn stream(
    shared: Shared,
    since: u64,
    place: OwnedSemaphorePermit,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let (sender, events) = mpsc::channel(1);
    tokio::spawn(tell(shared, since, sender));
    Sse::new(Events { events, _place: place }).keep_alive(KeepAlive::new().interval(KEEP_ALIVE))
}

async fn tell(mut shared: Shared, mut since: u64, reader: mpsc::Sender<Event>) {
    let mut epoch = shared.run.borrow().epoch;
    loop {
        let is_last = *shared.stop.borrow();
        let document = {
            let run = shared.run.borrow_and_update();
            if run.epoch != epoch {
                (epoch, since) = (run.epoch, 0);
            }
            LiveDocument::of(&run, since, BATCH)
        };
        let has_more = document.next_since.is_some();
        // A reader that is ahead has seen another run at this address, and starts anew.
        since = document.iterations.last().map_or(since.min(document.run.last), |last| last.iteration);
        let event =
            Event::default().event("run").id(since.to_string()).data(compact_ascii(&document).trim_end());
        if reader.send(event).await.is_err() {
            return;
        }
        if is_last && !has_more {
            let end = Event::default().event("end").data(document.run.state);
            // The reader may be gone; there is nothing more to tell it anyway.
            drop(reader.send(end).await);
            return;
        }
        if has_more {
            continue;
        }
        tokio::select! {
            () = sleep(BREATH) => {}
            _ = shared.stop.wait_for(|stop| *stop) => {}
            () = reader.closed() => return,
        }
        tokio::select! {
            _ = shared.run.changed() => {}
            _ = shared.stop.wait_for(|stop| *stop) => {}
            () = reader.closed() => return,
        }
    }
}
