
"use strict";
{
  // Tables can be read without this; it lets a click on a heading sort them.
  const number = (text) => {
    const value = parseFloat(text.replace("+", ""));
    return Number.isNaN(value) ? null : value;
  };
  const compare = (one, other) => {
    const [a, b] = [number(one), number(other)];
    if (a !== null && b !== null) return a - b;
    if (a !== null || b !== null) return a === null ? 1 : -1;
    return one.localeCompare(other);
  };
  const sort = (table, index, heading) => {
    const down = heading.getAttribute("aria-sort") === "ascending";
    for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
    heading.setAttribute("aria-sort", down ? "descending" : "ascending");
    const rows = [...table.tBodies[0].rows];
    const text = (row) => row.cells[index].textContent;
    const isEmpty = (row) => text(row) === "" || text(row) === "–";
    rows.sort((one, other) => {
      if (isEmpty(one) !== isEmpty(other)) return isEmpty(one) ? 1 : -1;
      return (down ? -1 : 1) * compare(text(one), text(other));
    });
    table.tBodies[0].append(...rows);
  };
  for (const table of document.querySelectorAll("table.sorts")) {
    [...table.tHead.rows[0].cells].forEach((heading, index) => {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...heading.childNodes);
      button.addEventListener("click", () => sort(table, index, heading));
      heading.append(button);
    });
  }
}
