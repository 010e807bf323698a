% headings = {"no-such-order": "No such ticket", "not-found": "Nothing here", "no-such-event": "No such event", "no-quorum": "One moment", "overloaded": "One moment", "outcome-unknown": "One moment", "cross-site": "Refused", "sold-out": "Sold out"}
% heading = headings.get(problem.code, problem.title)
% rebase("layout", heading=heading)
<h1>{{heading}}</h1>
<p class="lead">{{problem.detail}}</p>
% if problem.status == 503:
<p>Please try again in a few seconds.</p>
% end
<p class="again"><a href="/">To the box office</a></p>
