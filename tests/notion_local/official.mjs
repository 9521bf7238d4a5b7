// Creates, queries and reads back a database with the official JavaScript client. Arguments: client module, base URL,
// token, root page. Prints one JSON line.
const [, , module, baseUrl, auth, root] = process.argv;
const { Client, collectPaginatedAPI } = await import(module);
const notion = new Client({ auth, baseUrl, notionVersion: "2026-03-11", retry: false });
const text = (content) => [{ text: { content } }];
const database = await notion.databases.create({
  parent: { type: "page_id", page_id: root },
  title: text("From JavaScript"),
  initial_data_source: { properties: { Name: { title: {} }, Status: { status: { options: [{ name: "Ready" }] } }, N: { number: {} } } },
});
const data_source_id = database.data_sources[0].id;
for (const n of [1, 2, 3]) {
  await notion.pages.create({
    parent: { type: "data_source_id", data_source_id },
    properties: { Name: { title: text(`row ${n}`) }, Status: { status: { name: "Ready" } }, N: { number: n } },
  });
}
const rows = await collectPaginatedAPI(notion.dataSources.query, {
  data_source_id,
  filter: { and: [{ property: "Status", status: { equals: "Ready" } }, { property: "N", number: { greater_than: 1 } }] },
  sorts: [{ property: "N", direction: "descending" }],
  page_size: 1,
});
const read = await notion.pages.retrieve({ page_id: rows[0].id });
let refusal;
try {
  await notion.pages.update({ page_id: rows[0].id, properties: { Status: { status: { name: "Nope" } } } });
} catch (error) {
  refusal = { code: error.code, status: error.status };
}
console.log(JSON.stringify({ found: rows.map((row) => row.properties.N.number), read: read.properties.N.number, refusal }));
