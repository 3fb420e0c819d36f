document.querySelectorAll("th[data-sort]").forEach(head => head.addEventListener("click", () => {
  const body = head.closest("table").querySelector("tbody"), column = [...head.parentNode.children].indexOf(head);
  const down = head.dataset.sort === "up"; head.dataset.sort = down ? "down" : "up";
  const value = row => { const text = row.children[column].dataset.value;
                         return text === "" ? null : isNaN(text) ? text : Number(text); };
  [...body.children].sort((one, two) => {
    const a = value(one), b = value(two);
    if (a === null || b === null) return (a === null) - (b === null);
    return (a < b ? -1 : a > b ? 1 : 0) * (down ? -1 : 1);
  }).forEach(row => body.append(row));
}));
const mark = () => document.querySelectorAll(".wide").forEach(
  box => box.classList.toggle("scrolls", box.scrollWidth > box.clientWidth + 1));
addEventListener("resize", mark);
document.addEventListener("toggle", mark, true);
mark();
