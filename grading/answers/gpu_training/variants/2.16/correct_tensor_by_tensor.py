import torch


def pack(job):
    weights = [p.detach().clone() for p in job.model.parameters()]
    moments = [
        [job.optimizer.state[p][key].clone() for key in ("step", "exp_avg", "exp_avg_sq")]
        for p in job.model.parameters()
        if p in job.optimizer.state
    ]
    rates = [group["lr"] for group in job.optimizer.param_groups]
    return {
        "weights": weights,
        "moments": moments,
        "rates": rates,
        "schedule": job.scheduler.state_dict(),
        "random": job.generator.get_state().numpy(),
        "places": [job.step, job.position],
    }


def unpack(job, packed):
    with torch.no_grad():
        for p, value in zip(job.model.parameters(), packed["weights"]):
            p.copy_(value)
    job.optimizer.state.clear()
    for p, (step, mean, square) in zip(job.model.parameters(), packed["moments"]):
        job.optimizer.state[p] = {
            "step": step.clone(),
            "exp_avg": mean.clone(),
            "exp_avg_sq": square.clone(),
        }
    for group, rate in zip(job.optimizer.param_groups, packed["rates"]):
        group["lr"] = rate
    job.scheduler.load_state_dict(packed["schedule"])
    job.generator.set_state(torch.as_tensor(packed["random"]))
    job.step, job.position = packed["places"]
