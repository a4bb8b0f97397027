// <div data-stock="/vouchers/spring/stock.json">: while the page is looked at, asks every few seconds what is left, and writes it
// into [data-stock-lot="12"] ([data-stock-left], [data-stock-bar]). When a [data-stock-round] changes its phase, the page is
// loaded anew within some seconds, not by everybody in the same one.
const EVERY = 5000;
const APART = 4000;

function show(box, { rounds }) {
  let changed = false;
  for (const round of rounds) {
    for (const lot of round.lots) {
      const card = box.querySelector(`[data-stock-lot="${lot.id}"]`);
      if (!card) continue;
      card.querySelector('[data-stock-left]').textContent = lot.left;
      const bar = card.querySelector('[data-stock-bar]');
      if (bar && lot.laid_out) bar.value = Math.floor((100 * (lot.laid_out - lot.left)) / lot.laid_out);
      card.classList.toggle('ticket--off', lot.left === 0);
    }
    const row = box.querySelector(`[data-stock-round="${round.id}"]`);
    changed ||= Boolean(row) && row.dataset.stockPhase !== round.phase;
  }
  return changed;
}

function bind(box) {
  const ask = async () => {
    if (!document.hidden) {
      try {
        const answer = await fetch(box.dataset.stock, { headers: { Accept: 'application/json' } });
        if (answer.ok && show(box, await answer.json())) { setTimeout(() => location.reload(), Math.random() * APART); return; }
      } catch { /* no network: the numbers stay as they were */ }
    }
    setTimeout(ask, EVERY + Math.random() * 1000);
  };
  setTimeout(ask, EVERY);
}

document.querySelectorAll('[data-stock]').forEach(bind);
