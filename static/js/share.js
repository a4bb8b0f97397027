// <button data-share="#link" data-share-title="Court" hidden> opens the phone's own share sheet with the text of #link.
// A browser without one keeps the button hidden: copying and the QR code are there for everybody.
export default (root) => {
  if (!navigator.share) return;

  for (const button of root.querySelectorAll('[data-share]')) {
    const source = root.querySelector(button.dataset.share);
    if (!source) continue;
    button.hidden = false;
    button.addEventListener('click', () => {
      navigator.share({ title: button.dataset.shareTitle, url: source.textContent.trim() }).catch(() => {});
    });
  }
};
