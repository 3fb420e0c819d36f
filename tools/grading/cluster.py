"""Run the jobs of the grader on a Dask cluster."""

import itertools

from grading import sandbox

TIMEOUT = "10s"  # of the connection to the scheduler


def on_cluster(address):
    """Connect to a Dask scheduler and return a function like `jobs.locally` that runs the jobs on its workers.

    A worker runs one job at a time, however many threads it has. The jobs of a worker that dies go to others. The
    workers need Python with TensorFlow and Dask, and nothing of this project. Raises OSError if there is no cluster,
    ImportError if Dask is not installed here.
    """
    import cloudpickle
    import distributed

    cloudpickle.register_pickle_by_value(sandbox)
    client = distributed.Client(address, timeout=TIMEOUT)

    def alone(arguments):
        with distributed.Lock(distributed.get_worker().address):
            return sandbox.run(*arguments)

    def run(jobs, started):
        jobs, keys, finished = iter(jobs), {}, distributed.as_completed()
        while True:
            try:
                room = 2 * max(1, len(client.scheduler_info(n_workers=-1)["workers"])) - len(keys)
                for key, arguments in itertools.islice(jobs, max(0, room)):  # not all at once: each carries its files
                    started(key)
                    future = client.submit(alone, arguments, pure=False)
                    keys[future] = key
                    finished.add(future)
                if not keys:
                    return
                future = next(finished)
            except Exception as error:
                raise ConnectionError(f"the cluster is gone: {error}") from None
            try:
                outcome = future.result()
            except Exception as error:  # all workers that got it have died
                outcome = error
            yield keys.pop(future), outcome
    return run
