/** Bounds how many requests a service answers at a time: each holds its body, and a place in every queue behind it. */

export interface RequestLimit {
  readonly most: number;
  /** The answer to one too many. */
  readonly refuse: (request: Request) => Response;
  /** Requests that are answered whatever is under way: health checks, metrics. */
  readonly isExempt: (request: Request) => boolean;
}

type Fetch = (request: Request) => Response | Promise<Response>;

export function limitRequests(fetch: Fetch, { most, refuse, isExempt }: RequestLimit): Fetch {
  let underWay = 0;
  return async (request) => {
    if (underWay >= most && !isExempt(request)) return refuse(request);
    underWay += 1;
    try {
      return await fetch(request);
    } finally {
      underWay -= 1;
    }
  };
}
