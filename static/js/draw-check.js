// <section data-draw-check data-draw-proof="{…}"> checks a proof of an entry in a draw: the one in the page, one from a
// file, or one that was pasted. Nothing leaves the phone. The words stand in the page: of those with data-draw-when="yes", "no" and "later" one shows.
import { checkProof, commitOf } from './draw-math.js';

const part = (section, name) => section.querySelector(`[data-draw-${name}]`);

function tick(section, name, good) {
  const state = good === null ? 'later' : good ? 'yes' : 'no';
  for (const words of part(section, name).querySelectorAll('[data-draw-when]')) words.hidden = words.dataset.drawWhen !== state;
}

function fill(section, proof) {
  for (const field of section.querySelectorAll('[data-draw-field]')) {
    const value = proof[field.dataset.drawField];
    field.textContent = Array.isArray(value) ? value.join(' · ') : value ?? '–';
  }
}

async function mine(section, proof) {
  const [salt, number] = ['salt', 'number'].map((name) => part(section, name)?.value.trim() ?? '');
  if (!salt || !number) return;
  const same = await commitOf(salt.toLowerCase(), number.toUpperCase()) === proof.commit;
  tick(section, 'person', same);
  part(section, 'person').hidden = false;
}

async function show(section, proof) {
  const begun = performance.now();
  const found = await checkProof(proof);
  const seconds = ((performance.now() - begun) / 1000).toFixed(2);
  tick(section, 'list', found.listed);
  tick(section, 'seed', found.seeded);
  tick(section, 'score', found.scored);
  fill(section, proof);
  await mine(section, proof);
  const here = part(section, 'here');
  here.textContent = here.dataset.drawHere.replace('%s', seconds);
  part(section, 'failed').hidden = true;
  part(section, 'result').hidden = false;
  section.dataset.drawChecked = Object.values(found).join(' ');
}

async function checkText(section, words) {
  try {
    await show(section, JSON.parse(words));
  } catch (error) {
    part(section, 'result').hidden = true;
    part(section, 'failed').hidden = false;
  }
}

for (const section of document.querySelectorAll('[data-draw-check]')) {
  const own = section.querySelector('[data-draw-own]');
  if (own) own.hidden = false;
  let last = section.dataset.drawProof;
  if (last) checkText(section, last);
  const again = (words) => { last = words; checkText(section, words); };
  part(section, 'file')?.addEventListener('change', async (event) => again(await event.target.files[0].text()));
  part(section, 'go')?.addEventListener('click', () => again(part(section, 'text').value || last || ''));
}
