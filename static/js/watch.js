// <div data-watch="/vouchers/mine/…/now.json" data-watch-every="4">: while the page is looked at, asks whether what it shows
// is still so, and loads it anew when the answer is {over: true} (used at a counter a moment ago). After a quarter of an hour it
// asks more seldom: a phone that was laid down is nobody at a counter.
const LONG = 15 * 60 * 1000;

function bind(box) {
  const every = (Number(box.dataset.watchEvery) || 5) * 1000;
  const begun = performance.now();
  const ask = async () => {
    if (!document.hidden) {
      try {
        const answer = await fetch(box.dataset.watch, { credentials: 'same-origin', cache: 'no-store' });
        if (answer.ok && (await answer.json()).over) { location.reload(); return; }
      } catch { /* no network: the page says so where it matters */ }
    }
    setTimeout(ask, performance.now() - begun > LONG ? every * 15 : every);
  };
  setTimeout(ask, every);
}

document.querySelectorAll('[data-watch]').forEach(bind);
