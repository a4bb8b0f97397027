// The names of the districts make room for the pins: each stands in the middle of its district, or at the nearest
// place around it where no pin and no other name is. Where there is none, the name waits for a closer look.
const TRIES = [[0, 0], [0, 18], [0, -18], [0, 30], [0, -30], [0, 44], [0, -44],
  [34, 0], [-34, 0], [34, 24], [-34, 24], [34, -24], [-34, -24], [56, 0], [-56, 0]];

const meets = (a, b) => a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;

function moved(box, [x, y]) {
  return { left: box.left + x, right: box.right + x, top: box.top + y, bottom: box.bottom + y };
}

export default (map) => {
  const taken = [...map.getContainer().querySelectorAll('.map__pin, .map__group')].map((pin) => pin.getBoundingClientRect());
  for (const name of map.getContainer().querySelectorAll('.map__label > span')) {
    name.style.translate = '';
    name.hidden = false;
    const box = name.getBoundingClientRect();
    const free = TRIES.find((by) => !taken.some((other) => meets(moved(box, by), other)));
    name.hidden = !free;
    if (!free) continue;
    name.style.translate = `${free[0]}px ${free[1]}px`;
    taken.push(moved(box, free));
  }
};
