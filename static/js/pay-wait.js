// <div data-pay-wait="/pay/…/result/?tries=1" data-pay-every="2">: looks again in the background, and goes there when that
// leads on or says something else. Until then nothing moves under a reader's eyes or is read out anew.
function wait(box) {
  const { payWait: next, payEvery: every } = box.dataset;
  const look = async () => {
    try {
      const answer = await fetch(next, { redirect: 'manual', credentials: 'same-origin', cache: 'no-store' });
      if (answer.type === 'opaqueredirect') { location.replace(next); return; }
      if (answer.ok) {
        const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
        const still = page.querySelector('[data-pay-wait]');
        if (still) wait(still); else location.replace(next);
        return;
      }
    } catch { /* no network: the next look may find some */ }
    setTimeout(look, every * 1000);
  };
  setTimeout(look, every * 1000);
}

document.querySelectorAll('[data-pay-wait]').forEach(wait);
