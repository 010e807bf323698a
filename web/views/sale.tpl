% rebase("layout", heading=say("sale.title", event=page.title))
<h1>{{page.title}}</h1>
% if page.stale:
<p class="notice stale" role="status">{{page.stale}}</p>
% end
% if page.problem and not page.problem.field:
<div class="notice bad" role="alert">
  <p>{{page.detail}}</p>
% if page.problem.code == "outcome-unknown":
  <p>{{say("sale.again")}}</p>
% end
</div>
% elif page.problem and page.error("Idempotency-Key"):
<div class="notice bad" role="alert"><p>{{say("sale.spent")}}</p></div>
% elif page.problem and not (page.error("type") or page.error("quantity") or page.error("buyer")):
<div class="notice bad" role="alert"><p>{{page.detail}}</p></div>
% end
% if page.closed:
<p class="lead">{{page.closed}}</p>
% elif page.sold_out:
<p class="lead">{{say("sale.sold-out")}}</p>
% else:
<p class="lead">{{say("sale.lead")}}</p>
% end
<form class="sale" method="post" action="/orders">
<input type="hidden" name="event" value="{{page.form.event}}">
<input type="hidden" name="key" value="{{page.form.key}}">
<fieldset class="types"\\
% if page.error("type"):
 aria-describedby="type-error"\\
% end
>
<legend>{{say("sale.types")}}</legend>
% if page.error("type"):
<p class="error" id="type-error">{{say("sale.choose")}}</p>
% end
<div class="cards">
% for card in page.cards:
<label class="card{{" gone" if card.sold_out else ""}}">
  <input type="radio" name="type" value="{{card.name}}" required\\
% if card.sold_out or page.closed:
 disabled\\
% end
% if card.chosen and not page.closed:
 checked\\
% end
>
  <span class="what"><span class="name">{{card.name}}</span><span class="price">{{card.price}}</span></span>
  <svg class="bar{{" few" if card.few else ""}}" viewBox="0 0 100 4" preserveAspectRatio="none" aria-hidden="true"><rect width="{{card.left_percent}}" height="4"/></svg>
  <span class="left{{" few" if card.few else ""}}">{{card.left}}</span>
</label>
% end
</div>
</fieldset>
% if page.sells:
<div class="fields">
<div class="field">
  <label for="buyer">{{say("sale.buyer")}}</label>
% if page.error("buyer"):
  <p class="error" id="buyer-error">{{page.error("buyer")}}</p>
  <input id="buyer" name="buyer" value="{{page.form.buyer}}" required maxlength="64" autocomplete="name" aria-invalid="true" aria-describedby="buyer-error">
% else:
  <input id="buyer" name="buyer" value="{{page.form.buyer}}" required maxlength="64" autocomplete="name">
% end
</div>
<div class="field narrow">
  <label for="quantity">{{say("sale.quantity")}}</label>
% if page.error("quantity"):
  <p class="error" id="quantity-error">{{page.error("quantity")}}</p>
% end
  <select id="quantity" name="quantity"\\
% if page.error("quantity"):
 aria-invalid="true" aria-describedby="quantity-error"\\
% end
>
% for number in page.quantities:
    <option\\
% if str(number) == page.form.quantity:
 selected\\
% end
>{{number}}</option>
% end
  </select>
</div>
</div>
<button type="submit">{{say("sale.buy")}}</button>
<p class="small">{{say("sale.safe")}}</p>
% end
</form>
% if page.others:
<nav class="others" aria-label="{{say("sale.others-label")}}">
<h2>{{say("sale.others")}}</h2>
<ul>
% for name, title in page.others:
<li><a href="/?event={{name}}">{{title}}</a></li>
% end
</ul>
</nav>
% end
