// <div id="figures" data-fresh="60">: staff leave this page open all day. Each so many seconds, while somebody looks at it, the
// page is fetched anew and what stands in such boxes is exchanged. Nothing is read out, nothing that is in use is touched: a box
// with the focus or a selection in it waits for the next time, and a table that was opened stays open.
const boxes = () => [...document.querySelectorAll('[data-fresh][id]')];

function isInUse(box) {
  const chosen = document.getSelection();
  return box.contains(document.activeElement) || (chosen && !chosen.isCollapsed && chosen.intersectsNode(box));
}

function exchange(box, page) {
  const fresh = page.getElementById(box.id);
  if (!fresh || isInUse(box)) return;
  const open = [...box.querySelectorAll('details')].map((one) => one.open);
  fresh.querySelectorAll('details').forEach((one, place) => { one.open = Boolean(open[place]); });
  box.replaceWith(document.adoptNode(fresh));
}

async function look() {
  try {
    const answer = await fetch(location.href, { credentials: 'same-origin', cache: 'no-store' });
    // Signed out meanwhile: the figures of others do not stay on the screen.
    if (answer.redirected) { location.reload(); return; }
    if (!answer.ok) return;
    const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
    boxes().forEach((box) => exchange(box, page));
  } catch { /* no network: the page says as of when its figures are */ }
}

const first = boxes()[0];
if (first) {
  const every = Number(first.dataset.fresh) * 1000;
  let last = performance.now();
  setInterval(async () => {
    if (document.hidden || performance.now() - last < every) return;
    last = performance.now();
    await look();
  }, 1000);
}
