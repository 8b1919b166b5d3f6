/** The HTTP side: `GET /nearest/<picture>` answers with the pictures most like it, as the newest embeddings have it. */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { DataSet } from '../data/data-set.ts';
import type { Gallery } from './gallery.ts';

const answers = 5;

/** Listens on this machine only; port 0 is any that is free. */
export async function startServer(gallery: Gallery, dataSet: DataSet, port: number): Promise<Server> {
  const server = createServer(({ method, url }, response) => {
    const [status, body] = answer(method ?? '', url ?? '', gallery, dataSet);
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(`${JSON.stringify(body)}\n`);
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

export function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}

function answer(
  method: string,
  url: string,
  gallery: Gallery,
  { catalogue, test }: DataSet,
): [status: number, body: object] {
  const picture = Number(url.match(/^\/nearest\/(\d+)$/)?.[1] ?? Number.NaN);
  if (method !== 'GET' || !(picture < test.pictures.length)) {
    return [404, { error: `Ask for /nearest/0 to /nearest/${test.pictures.length - 1}.` }];
  }
  const describe = (row: number) => {
    const index = test.pictures[row];
    const { name } = catalogue.vendors[catalogue.drawnBy[index]].info;
    return { picture: row, emoji: catalogue.names[catalogue.labels[index]], vendor: name };
  };
  const { step, neighbours } = gallery.nearest(picture, answers);
  const nearest = neighbours.map(({ row, similarity }) => ({ ...describe(row), similarity }));
  return [200, { ...describe(picture), step, nearest }];
}
